/** The authorities of the lab, made once for each worker since keys are slow. */
import type { Authority, Issued } from '../../../src/demo/certificates.ts';
import { createAuthority } from '../../../src/demo/certificates.ts';

export const GITLAB_HOST = 'gitlab.test';
const NAMES = [GITLAB_HOST, 'alias.test', 'gitlab'];

export interface Pki {
  /** In the bundle of every host of the lab. */
  readonly publicRoot: Authority;
  /** In no bundle. */
  readonly privateRoot: Authority;
  /** What a healthy GitLab shows. */
  readonly good: Issued;
  readonly fromPrivateRoot: Issued;
}

let made: Pki | undefined;

export function pki(): Pki {
  made ??= createPki();
  return made;
}

function createPki(): Pki {
  const publicRoot = createAuthority({ commonName: 'Lab Public Root' });
  const privateRoot = createAuthority({ commonName: 'Lab Private Root' });
  const leaf = { commonName: GITLAB_HOST, dns: NAMES };
  return {
    publicRoot,
    privateRoot,
    good: publicRoot.issue(leaf),
    fromPrivateRoot: privateRoot.issue(leaf),
  };
}
