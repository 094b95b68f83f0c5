/** runnerwatch as its package installs it: what its texts and its commands name. */
export const OWN_SETTINGS = '/etc/runnerwatch/runnerwatch.toml';

const UNIT = 'runnerwatch';

export const RESTART_OWN_SERVICE = `sudo systemctl restart ${UNIT}`;
export const RELOAD_OWN_SERVICE = `sudo systemctl reload ${UNIT}`;
