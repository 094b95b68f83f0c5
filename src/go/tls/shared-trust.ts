/** The one trust store of the program: tls, proxy and detour read the same files, and read them once. */
import { TrustStore } from './trust.ts';

export const SHARED_TRUST = new TrustStore();
