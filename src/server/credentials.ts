/**
 * Checks a user and password: Basic authentication against bcrypt hashes, as exporter-toolkit does it. The only user
 * of bcryptjs.
 *
 * Promises: a scrape every few seconds costs one comparison in all; an unknown name takes as long as a wrong password;
 * attempts wait in a short queue, so that a flood of them does not block the event loop.
 */
import { createHash } from 'node:crypto';

import { compare } from 'bcryptjs';

import type { Secret } from '../core/secret.ts';

/** The hash of a random text; compared when there is no such user. */
const UNKNOWN_USER_HASH = '$2b$10$.sqz6pskHsCn1bR0V0MMDu4UKHXeCHuF4SSQX5cCOwTXUgY5VyBS6';
const MAX_WAITING = 16;
const MAX_CACHED = 100;

export type Users = ReadonlyMap<string, Secret>;
export type Judgement = 'allowed' | 'unknown' | 'busy';

export class Credentials {
  /** Digests of what was accepted; neither password nor hash is kept. */
  readonly #accepted = new Set<string>();
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** Judges an `Authorization` header. */
  async judge(users: Users, header: string | undefined): Promise<Judgement> {
    if (users.size === 0) return 'allowed';
    const { name, password } = loginOf(header);
    if (name === undefined || password === undefined) return 'unknown';
    const hash = users.get(name);
    const digest = createHash('sha256')
      .update(JSON.stringify([name, password, hash?.reveal()]))
      .digest('hex');
    if (this.#accepted.has(digest)) return 'allowed';
    if (this.#waiting >= MAX_WAITING) return 'busy';
    const isRight = await this.#inTurn(() =>
      compare(password, hash?.reveal() ?? UNKNOWN_USER_HASH),
    );
    if (!isRight || hash === undefined) return 'unknown';
    if (this.#accepted.size >= MAX_CACHED) this.#accepted.clear();
    this.#accepted.add(digest);
    return 'allowed';
  }

  async #inTurn(work: () => Promise<boolean>): Promise<boolean> {
    this.#waiting += 1;
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => false);
    try {
      return await mine;
    } finally {
      this.#waiting -= 1;
    }
  }
}

function loginOf(header = ''): { readonly name?: string; readonly password?: string } {
  const encoded = /^Basic +(?<text>[A-Za-z0-9+/=]+)$/i.exec(header)?.groups?.['text'];
  if (encoded === undefined) return {};
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? {} : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
