/**
 * An RSA key that is larger than Go accepts, from primes that are known: to find two of this size takes ten seconds.
 * It protects nothing, and signs as any other key does.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';

import type { Keys } from './certificates.ts';

/** Two Mersenne primes. */
const [P, Q] = [2n ** 4423n - 1n, 2n ** 4253n - 1n];
const EXPONENT = 0x1_0001n;

export const LARGE_KEY_BITS = 4423 + 4253;

export function largeRsaKeys(): Keys {
  const d = inverse(EXPONENT, (P - 1n) * (Q - 1n));
  const numbers = {
    n: P * Q,
    e: EXPONENT,
    d,
    p: P,
    q: Q,
    dp: d % (P - 1n),
    dq: d % (Q - 1n),
    qi: inverse(Q, P),
  };
  const members = Object.entries(numbers).map(([name, value]) => [name, base64Of(value)]);
  const key = { kty: 'RSA', ...Object.fromEntries(members) };
  const privateKey = createPrivateKey({ key, format: 'jwk' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** By Euclid's algorithm: what gives one when it is multiplied by `value`. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [left, right, before, now] = [modulus, value % modulus, 0n, 1n];
  while (right !== 0n) {
    const times = left / right;
    [left, right] = [right, left - times * right];
    [before, now] = [now, before - times * now];
  }
  return before < 0n ? before + modulus : before;
}

function base64Of(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}
