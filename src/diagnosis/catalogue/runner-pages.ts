/** Where GitLab 18 and 19 show and create runners. */

export const RUNNER_PAGES =
  'Admin > CI/CD > Runners, Build > Runners of the group, or Settings > CI/CD > Runners of the project';

/** The token is never shown again. */
export const CREATE_RUNNER = `Create a runner in GitLab (${RUNNER_PAGES}), and copy its token, which starts with glrt-, from the page that opens: GitLab shows it only there.`;
