/** Is the runner more than a major version behind its GitLab (fault matrix 2.9)? */
import type { Cause } from '../../core/diagnosis.ts';
import { draft, mustHave } from '../draft.ts';
import type { Picture } from '../picture.ts';
import { factsOf } from '../picture.ts';

export function versionCauses(picture: Picture): readonly Cause[] {
  const [metrics] = picture.statesOf('runner-metrics');
  const own = metrics === undefined ? undefined : factsOf(metrics)['version'];
  const major = Number.parseInt(String(own), 10);
  if (metrics === undefined || Number.isNaN(major)) return [];
  const { runners, unit } = picture.surroundings;
  const newer = runners.flatMap((runner) => {
    const token = picture.tokenOf(runner);
    const server = token === undefined ? undefined : factsOf(token)['server_at_least'];
    return token !== undefined && major < Number.parseInt(String(server), 10) - 1
      ? [{ runner, token, server: String(server) }]
      : [];
  });
  const [first] = newer;
  if (first === undefined) return [];
  return [
    draft(picture, {
      spec: mustHave('runner-outdated'),
      states: [metrics, first.token],
      scopeId: unit,
      runners: newer.map(({ runner }) => runner),
      facts: { version: String(own), server: first.server },
    }),
  ];
}
