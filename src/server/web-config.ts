/**
 * Reads the file of --web.config.file. It has the format of Prometheus' exporter-toolkit, so one file serves every
 * exporter of a host. Strict: an unsupported key is an error, because a setting that is ignored would look like
 * protection. The only user of yaml.
 *
 * Promises: all problems are reported at once, each with file and key; no content of the file is repeated.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { createSecureContext } from 'node:tls';

import { LineCounter, parseDocument } from 'yaml';

import { errnoText } from '../core/errno.ts';
import { findNearest } from '../core/nearest.ts';
import { Secret } from '../core/secret.ts';

const CLIENT_AUTH = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;
export type ClientAuth = (typeof CLIENT_AUTH)[number];

const VERSIONS: Readonly<Record<string, SecureVersion>> = { TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' };

/** Known keys by table; a table of users has keys of its own. */
const KEYS = {
  '': ['tls_server_config', 'http_server_config', 'basic_auth_users'],
  tls_server_config: [
    'cert_file',
    'key_file',
    'client_ca_file',
    'client_auth_type',
    'min_version',
    'max_version',
    // Go has ignored it since 1.17, so files that carry it mean nothing by it.
    'prefer_server_cipher_suites',
  ],
  // HTTP/2 is never offered; both values are accepted.
  http_server_config: ['http2'],
} as const;

export interface WebTls {
  readonly certificate: string;
  readonly privateKey: Secret;
  readonly clientAuthority?: string;
  readonly clientAuth: ClientAuth;
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
}

export interface WebConfig {
  readonly tls?: WebTls;
  /** Bcrypt hashes by name; without any, no password is required. */
  readonly users: ReadonlyMap<string, Secret>;
}

/** One of the two is there: a configuration, or at least one problem of one line. */
export interface WebConfigReading {
  readonly config?: WebConfig;
  readonly problems: readonly string[];
}

type Table = Readonly<Record<string, unknown>>;

export async function readWebConfig(file: string): Promise<WebConfigReading> {
  const reader = new WebConfigReader(file);
  const root = await reader.root();
  if (root === undefined) return { problems: reader.problems };
  const tlsTable = reader.table(root, 'tls_server_config');
  reader.table(root, 'http_server_config');
  const users = reader.users(root);
  const tls = tlsTable === undefined ? undefined : await reader.tls(tlsTable);
  if (reader.problems.length > 0) return { problems: reader.problems };
  return { config: { users, ...(tls === undefined ? {} : { tls }) }, problems: [] };
}

/** Collects the problems of one file. */
class WebConfigReader {
  readonly problems: string[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  async root(): Promise<Table | undefined> {
    const text = await readFile(this.#file, 'utf8').catch((error: unknown) => {
      this.#addProblem(`cannot be read (${errnoText(error)}); check the path and its permissions`);
      return undefined;
    });
    if (text === undefined) return undefined;
    const lineCounter = new LineCounter();
    const document = parseDocument(text, { lineCounter, prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) {
      const { line } = lineCounter.linePos(error.pos[0]);
      this.problems.push(`${this.#file}:${line}: invalid YAML; check this line`);
      return undefined;
    }
    // An empty file protects nothing, as in exporter-toolkit.
    const root: unknown = document.toJS() ?? {};
    if (!isTable(root)) {
      this.#addProblem('must be a table of keys; expected tls_server_config or basic_auth_users');
      return undefined;
    }
    this.#known('', root);
    return root;
  }

  table(root: Table, name: 'tls_server_config' | 'http_server_config'): Table | undefined {
    const value = root[name] ?? undefined;
    if (value === undefined) return undefined;
    if (isTable(value)) {
      this.#known(name, value);
      return value;
    }
    this.#addProblem(`${name} must be a table of keys`);
    return undefined;
  }

  users(root: Table): ReadonlyMap<string, Secret> {
    const value = root['basic_auth_users'] ?? {};
    const users = new Map<string, Secret>();
    if (!isTable(value))
      this.#addProblem('basic_auth_users must be a table of names and bcrypt hashes');
    else {
      for (const [name, hash] of Object.entries(value)) {
        if (typeof hash === 'string' && /^\$2[aby]\$\d\d\$[./0-9A-Za-z]{53}$/.test(hash)) {
          users.set(name, new Secret(hash));
        } else {
          const how = 'make one with `htpasswd -nB`';
          this.#addProblem(
            `the value of "${name}" in basic_auth_users is not a bcrypt hash; ${how}`,
          );
        }
      }
    }
    return users;
  }

  async tls(table: Table): Promise<WebTls | undefined> {
    const hasAuthority = table['client_ca_file'] !== undefined;
    const certificate = await this.#content(table, 'cert_file');
    const key = await this.#content(table, 'key_file');
    const authority = hasAuthority ? await this.#content(table, 'client_ca_file') : undefined;
    const clientAuth = this.#clientAuth(table, hasAuthority);
    const versions = this.#versions(table);
    if (certificate === undefined || key === undefined) return undefined;
    this.#tryPair(certificate, key, authority);
    return {
      certificate,
      privateKey: new Secret(key),
      clientAuth,
      ...versions,
      ...(authority === undefined ? {} : { clientAuthority: authority }),
    };
  }

  #clientAuth(table: Table, hasAuthority: boolean): ClientAuth {
    const clientAuth = this.#choice(table, 'client_auth_type', CLIENT_AUTH) ?? 'NoClientCert';
    if (clientAuth.includes('Verify') && !hasAuthority) {
      this.#addProblem(`client_auth_type ${clientAuth} needs client_ca_file`);
    }
    if (clientAuth === 'NoClientCert' && hasAuthority) {
      this.#addProblem('client_ca_file has no effect without client_auth_type');
    }
    return clientAuth;
  }

  #versions(table: Table): Pick<WebTls, 'minVersion' | 'maxVersion'> {
    const names = Object.keys(VERSIONS);
    const minVersion = VERSIONS[this.#choice(table, 'min_version', names) ?? 'TLS12'] ?? 'TLSv1.2';
    const maxVersion = VERSIONS[this.#choice(table, 'max_version', names) ?? 'TLS13'] ?? 'TLSv1.3';
    if (minVersion > maxVersion) this.#addProblem('min_version is above max_version');
    return { minVersion, maxVersion };
  }

  /** OpenSSL's own texts may quote what they read, so they are not repeated. */
  #tryPair(cert: string, key: string, ca: string | undefined): void {
    try {
      createSecureContext({ cert, key });
    } catch {
      this.#addProblem('cert_file and key_file are not a PEM certificate and its private key');
    }
    try {
      // A secure context accepts any text here, and would then trust no client.
      if (ca !== undefined) void new X509Certificate(ca);
    } catch {
      this.#addProblem('client_ca_file has no PEM certificate');
    }
  }

  async #content(table: Table, key: string): Promise<string | undefined> {
    const path = table[key] ?? '';
    if (typeof path !== 'string' || path === '') {
      this.#addProblem(`tls_server_config needs ${key}, the path of a PEM file`);
      return undefined;
    }
    const full = resolve(dirname(this.#file), path);
    return await readFile(full, 'utf8').catch((error: unknown) => {
      this.#addProblem(`${key}: ${full} cannot be read (${errnoText(error)})`);
      return undefined;
    });
  }

  #choice<T extends string>(table: Table, key: string, choices: readonly T[]): T | undefined {
    const value = table[key] ?? '';
    if (value === '') return undefined;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) this.#addProblem(`${key} is not one of ${choices.join(', ')}`);
    return found;
  }

  #known(name: keyof typeof KEYS, table: Table): void {
    const known: readonly string[] = KEYS[name];
    for (const key of Object.keys(table)) {
      if (known.includes(key)) continue;
      const near = findNearest(key, known);
      const hint = near === undefined ? `known: ${known.join(', ')}` : `did you mean ${near}?`;
      const where = name === '' ? 'at the top' : `in ${name}`;
      this.#addProblem(`the key "${formatKey(key)}" ${where} is not supported; ${hint}`);
    }
  }

  #addProblem(text: string): void {
    this.problems.push(`${this.#file}: ${text}`);
  }
}

/** A hash without a name would be in the place of a key. */
function formatKey(key: string): string {
  return /^[a-z0-9_]{1,40}$/.test(key) ? key : '…';
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
