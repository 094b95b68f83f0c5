/**
 * The lab's runner: a process that /proc shows as `gitlab-runner run --config …`. Loaded by `--import` into
 * a Node process, which then never gets to the script it was told to run.
 */
const forever = Promise.withResolvers<never>();
setInterval(() => {}, 1 << 30);
await forever.promise;
