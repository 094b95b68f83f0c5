/** Commands that go to GitLab as the runner goes: through its proxy, in its network, with its files. */
import { isIP } from 'node:net';
import { dirname } from 'node:path';

import type { FixStep } from '../../core/diagnosis.ts';
import { step } from '../../core/diagnosis.ts';
import type { Command } from '../../core/place.ts';
import { quoteArgument } from '../../core/shell.ts';
import type { CauseContext } from '../cause-spec.ts';
import { enterVariable, onHost, restart, setVariable } from '../cause-spec.ts';

/** The name of the user may be a token, so it is not printed. */
const ASK_FOR_USER = '"$(printf "proxy user: " >/dev/tty; head -n 1 </dev/tty)"';

/** curl asks for the password of the proxy. */
export function curl(c: CauseContext, options: string, url = c.url): Command {
  return c.place.inNetwork(`curl ${options}${viaProxy(c)} ${quoteArgument(url)}`);
}

/** True where the network of the runner is not that of the host. */
export function hasOwnNetwork({ place }: CauseContext): boolean {
  return place.paths.network !== undefined;
}

/** Whose routes, ports and firewall they are that the runner's packets meet first, for a sentence. */
export function networkOwner(c: CauseContext): string {
  return hasOwnNetwork(c) ? "the runner's own network" : 'this host';
}

/** Without a command where that network is gone: in another one it would change what is not meant. */
export function stepInNetwork(c: CauseContext, text: string, command: Command): FixStep {
  const there = c.place.inNetwork(command);
  return step(text, hasOwnNetwork(c) && there === command ? undefined : there);
}

function viaProxy({ proxy, hasOtherProxies }: CauseContext): string {
  // A shell may have the proxy that the runner does not have.
  if (proxy === undefined) return hasOtherProxies ? " --noproxy '*'" : '';
  const login = proxy.hasLogin === true ? ` --proxy-user ${ASK_FOR_USER}` : '';
  return ` --proxy ${quoteArgument(`${proxy.scheme}://${proxy.authority}`)}${login}`;
}

/** Shows the certificates of the server. */
export function showCertificates(c: CauseContext): Command {
  return fetchCertificates(c) ?? curl(c, '-sv -o /dev/null');
}

/** The same as PEM; undefined where openssl has no way through the proxy. */
export function fetchCertificates(c: CauseContext): Command | undefined {
  const { host, port, proxy } = c;
  if (proxy !== undefined && proxy.scheme !== 'http') return undefined;
  const server = isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
  const name = isIP(host) === 0 ? ` -servername ${quoteArgument(host)}` : '';
  const login =
    proxy?.hasLogin === true ? ` -proxy_user ${ASK_FOR_USER} -proxy_pass file:/dev/tty` : '';
  const via = proxy === undefined ? '' : ` -proxy ${quoteArgument(proxy.authority)}${login}`;
  return c.place.inNetwork(
    `openssl s_client -connect ${quoteArgument(server)}${via}${name} -showcerts </dev/null`,
  );
}

/** With `tls-ca-file` the runner ignores its certs directory, so a file there would change nothing. */
export function trustCertificate(c: CauseContext, file: string): readonly FixStep[] {
  const isNamed = c.optional('ca_file_configured') === 'true';
  return [
    isNamed
      ? appendTo(
          c,
          'Add it to the file that tls-ca-file names in config.toml.',
          file,
          c.fact('ca_file'),
        )
      : appendTo(
          c,
          "Add it to the file for this GitLab in the runner's certs directory.",
          file,
          c.optional('certs_file') ?? `${c.place.files.certs}/${c.host}.crt`,
        ),
    restart(c),
  ];
}

/** What is in the file stays; the runner's user can read it. */
function appendTo(c: CauseContext, text: string, file: string, target: string): FixStep {
  const path = onHost(c, target);
  const folder = onHost(c, dirname(target));
  return step(
    text,
    `sudo mkdir -p ${folder} && (echo; cat ${file}) | sudo tee -a ${path} >/dev/null && sudo chmod a+r ${path}`,
  );
}

/** Adds the host to the list that the process has; one that is not known here is for the person to add to. */
export function exemptFromProxy(c: CauseContext, text: string): readonly FixStep[] {
  const { variable } = c.place;
  if (variable === undefined) {
    return enterVariable(
      c,
      `${text} Keep the entries that are there, and add ${c.host}.`,
      'NO_PROXY',
    );
  }
  // Go reads the first of them that is not empty.
  const name = ['NO_PROXY', 'no_proxy'].find((one) => (variable(one) ?? '') !== '') ?? 'NO_PROXY';
  const entries = (variable(name) ?? '').split(',').map((entry) => entry.trim());
  const list = [...new Set([...entries, c.host])].filter((entry) => entry !== '');
  return setVariable(c, text, name, list.join(','));
}

/** The command asks for the token of a person, who must be allowed to change the runner. */
export function resetToken(c: CauseContext, text: string): FixStep {
  const { commands } = c.place;
  const words = `reset-token --config ${quoteArgument(c.config)} --name ${quoteArgument(c.name)} --pat "$PAT"`;
  return step(
    `${text} The command asks for a personal access token with the scope manage_runner or api.`,
    `(printf 'Personal access token: ' && read -r PAT && ${commands.runner(words)})`,
  );
}
