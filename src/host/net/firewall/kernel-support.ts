/** Whether the kernel can have rules of nftables at all. */
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';

/** True only if that is certain: its module is not loaded, and it is not a part of the kernel. */
export async function hasNoNftables(): Promise<boolean> {
  const [loaded, builtIn] = await Promise.all(
    ['/proc/modules', `/lib/modules/${release()}/modules.builtin`].map(
      async (file) => await readFile(file, 'utf8').catch(() => undefined),
    ),
  );
  if (loaded === undefined || builtIn === undefined) return false;
  return !/^nf_tables /m.test(loaded) && !builtIn.includes('/nf_tables.ko');
}
