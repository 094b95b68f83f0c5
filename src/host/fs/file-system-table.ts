/** Which mount points does /etc/fstab mount writable, and which read-only? fstab(5). */

import type { Paths } from '../../core/paths.ts';
import { readTextIn } from './in-root.ts';

export interface FileSystemTable {
  readonly writable: readonly string[];
  readonly readOnly: readonly string[];
}

export async function readFileSystemTable(paths: Paths): Promise<FileSystemTable> {
  return parseFileSystemTable(await readTextIn(paths, '/etc/fstab').catch(() => ''));
}

export function parseFileSystemTable(text: string): FileSystemTable {
  const entries = text.split('\n').flatMap((line) => {
    const [device = '#', point = '', , options = ''] = line.trim().split(/\s+/);
    if (device.startsWith('#') || !point.startsWith('/')) return [];
    const mountPoint = point.replaceAll(String.raw`\040`, ' ');
    return [{ mountPoint, isReadOnly: options.split(',').includes('ro') }];
  });
  const placesOf = (wanted: boolean): readonly string[] =>
    entries.filter(({ isReadOnly }) => isReadOnly === wanted).map(({ mountPoint }) => mountPoint);
  return { writable: placesOf(false), readOnly: placesOf(true) };
}
