/** A host with one packaged runner, whose files are in a folder of the test. */
import type { HostContext } from '../../src/core/check.ts';
import type { Paths } from '../../src/core/paths.ts';
import { HOST_PATHS } from '../../src/core/paths.ts';
import { PACKAGED_PLACE } from '../../src/host/place/packaged.ts';

export function placesAt(paths: Paths = HOST_PATHS): HostContext['places'] {
  return [{ ...PACKAGED_PLACE, paths }];
}
