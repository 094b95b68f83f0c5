/** The name servers of the lab, on port 53 of three addresses, the third an IPv6 one of the first. */
import type { DnsServer, DnsReply, Script } from '../../test/support/dns-server.ts';
import { startDnsServer } from '../../test/support/dns-server.ts';
import { GITLAB_ADDRESS, GITLAB_ADDRESS_6, PROXY_ADDRESS, SECOND_RESOLVER } from '../network.ts';

const PORT = 53;

const RECORDS: Readonly<Record<string, readonly string[]>> = {
  'gitlab.test': [GITLAB_ADDRESS],
  'alias.test': [GITLAB_ADDRESS],
  'proxy.test': [PROXY_ADDRESS],
};

/** The answers of the healthy servers: the lab's names have IPv4 addresses only. */
export const usualScript: Script = (name, type): DnsReply => {
  const found = RECORDS[name];
  if (found === undefined) return 'nxdomain';
  return type === 'A' ? found : [];
};

export interface LabNames extends AsyncDisposable {
  /** Both servers answer by this script from now on; the second by its own when there is one. */
  answer(script: Script, second?: Script): void;
  /** Closes the first server. */
  stop(): Promise<void>;
  restore(): Promise<void>;
}

export async function startNames(): Promise<LabNames> {
  let scripts: readonly [Script, Script] = [usualScript, usualScript];
  const open = async (): Promise<DnsServer> =>
    await startDnsServer((...asked) => scripts[0](...asked), GITLAB_ADDRESS, PORT);
  let first: DnsServer | undefined = await open();
  const second = await startDnsServer((...asked) => scripts[1](...asked), SECOND_RESOLVER, PORT);
  const third = await startDnsServer((...asked) => scripts[0](...asked), GITLAB_ADDRESS_6, PORT);
  const stop = async (): Promise<void> => {
    await first?.[Symbol.asyncDispose]();
    first = undefined;
  };
  return {
    answer: (script, other = script) => {
      scripts = [script, other];
    },
    stop,
    restore: async () => {
      scripts = [usualScript, usualScript];
      first ??= await open();
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
      await second[Symbol.asyncDispose]();
      await third[Symbol.asyncDispose]();
    },
  };
}
