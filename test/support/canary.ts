/** Secrets that must not appear in any output, and a search for them in every form in which they could leak. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** `name of the secret, form` for each one that occurs in the bytes. */
export function leaksIn(
  bytes: string | Buffer,
  secrets: Readonly<Record<string, string>>,
): readonly string[] {
  const text = bytes.toString('latin1');
  return Object.entries(secrets).flatMap(([name, secret]) =>
    Object.entries(formsOf(secret))
      .filter(([, form]) => text.includes(form))
      .map(([kind]) => `${name}, ${kind}`),
  );
}

/** Base64 of a secret depends on the bytes before it, so all three shifts are searched. */
function formsOf(secret: string): Readonly<Record<string, string>> {
  const shifted = [0, 1, 2].map((shift) => {
    const whole = Buffer.from('x'.repeat(shift) + secret).toString('base64');
    // The first and last characters mix with the neighbours.
    return whole.slice(shift === 0 ? 0 : 4, -4);
  });
  return {
    plain: secret,
    'URL-encoded': encodeURIComponent(secret),
    JSON: JSON.stringify(secret).slice(1, -1),
    hexadecimal: Buffer.from(secret).toString('hex'),
    'base64 (0)': shifted[0] ?? '',
    'base64 (1)': shifted[1] ?? '',
    'base64 (2)': shifted[2] ?? '',
  };
}

/** Every file below a folder, by name. */
export async function filesBelow(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return new Map(
    await Promise.all(
      files.map(async ({ parentPath, name }): Promise<[string, Buffer]> => {
        const path = join(parentPath, name);
        return [path, await readFile(path)];
      }),
    ),
  );
}
