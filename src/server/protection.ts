/**
 * TLS and users of the listeners, read from --web.config.file and read again when it or one of its files changes: a
 * renewed certificate needs no restart. When the file becomes invalid, it is logged and the last valid settings stay
 * in use.
 */
import type { Server as SecureServer, ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';

import type { Judgement } from './credentials.ts';
import { Credentials } from './credentials.ts';
import type { ClientAuth, WebConfig, WebTls } from './web-config.ts';

const WATCH_SECONDS = 5;
const NOTHING: WebConfig = { users: new Map() };

export class Protection {
  readonly #file: string | undefined;
  readonly #credentials = new Credentials();
  readonly #servers = new Set<SecureServer>();
  #config: WebConfig = NOTHING;
  #signature = '';
  #timer: NodeJS.Timeout | undefined;

  /** Without a file nothing is protected. */
  constructor(file?: string) {
    this.#file = file;
  }

  /** Reads the file once more; with a problem the old protection stays. */
  async refresh(): Promise<readonly string[]> {
    if (this.#file === undefined) return [];
    // Most run without a file: its parser is loaded for the others alone.
    const { readWebConfig } = await import('./web-config.ts');
    const { config, problems } = await readWebConfig(this.#file);
    if (config === undefined) return problems;
    if (this.#signature !== '' && config.tls?.clientAuth !== this.#config.tls?.clientAuth) {
      return [
        `${this.#file}: restart runnerwatch to switch TLS on or off or to change client_auth_type`,
      ];
    }
    const signature = signatureOf(config);
    if (signature === this.#signature) return [];
    this.#signature = signature;
    this.#config = config;
    for (const server of this.#servers) server.setSecureContext(this.secureOptions() ?? {});
    return [];
  }

  /** Reads the file every few seconds; reports a problem once, not each time. */
  watch(tell: (problems: readonly string[]) => void): void {
    if (this.#file === undefined) return;
    let told = '';
    const look = async (): Promise<void> => {
      const problems = await this.refresh();
      const text = problems.join('\n');
      if (text !== told && text !== '') tell(problems);
      told = text;
    };
    this.#timer = setInterval(() => void look(), WATCH_SECONDS * 1000);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async judge(header: string | undefined): Promise<Judgement> {
    return await this.#credentials.judge(this.#config.users, header);
  }

  /** Options of a TLS server; undefined for plain HTTP. */
  secureOptions(): ServerOptions | undefined {
    const { tls } = this.#config;
    return tls === undefined ? undefined : optionsOf(tls);
  }

  /** Keeps a TLS server at the newest certificate and sends away clients without theirs. */
  adopt(server: SecureServer): void {
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
    server.on('secureConnection', (socket) => {
      if (!isValidClientCertificate(this.#config.tls?.clientAuth ?? 'NoClientCert', socket))
        socket.destroy();
    });
  }
}

function optionsOf(tls: WebTls): ServerOptions {
  const { certificate, privateKey, clientAuthority, clientAuth, minVersion, maxVersion } = tls;
  return {
    cert: certificate,
    key: privateKey.reveal(),
    minVersion,
    maxVersion,
    requestCert: clientAuth !== 'NoClientCert',
    rejectUnauthorized: clientAuth === 'RequireAndVerifyClientCert',
    ...(clientAuthority === undefined ? {} : { ca: clientAuthority }),
  };
}

/** The names of the modes are those of Go's crypto/tls. */
function isValidClientCertificate(clientAuth: ClientAuth, socket: TLSSocket): boolean {
  const hasCertificate = Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
  const rules: Readonly<Record<ClientAuth, boolean>> = {
    NoClientCert: true,
    RequestClientCert: true,
    RequireAnyClientCert: hasCertificate,
    VerifyClientCertIfGiven: !hasCertificate || socket.authorized,
    RequireAndVerifyClientCert: socket.authorized,
  };
  return rules[clientAuth];
}

/** Secrets print as [hidden], so their fingerprints are compared. */
function signatureOf({ tls, users }: WebConfig): string {
  const logins = [...users].map(([name, hash]) => [name, hash.fingerprint()]);
  return JSON.stringify([logins, tls, tls?.privateKey.fingerprint()]);
}
