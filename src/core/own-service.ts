/** runnerwatch as its package installs it: what its texts and its commands name. */
export const OWN_SETTINGS = '/etc/runnerwatch/runnerwatch.toml';

const UNIT = 'runnerwatch';

/** Root may read what the user of a service may not. */
export const CHECK_AS_ROOT = 'sudo runnerwatch check';
/** As whom the service runs, and with which rights. */
export const SHOW_OWN_RIGHTS = `systemctl show ${UNIT} -p User -p SupplementaryGroups -p AmbientCapabilities -p CapabilityBoundingSet`;
export const EDIT_OWN_SERVICE = `sudo systemctl edit ${UNIT}`;
export const RESTART_OWN_SERVICE = `sudo systemctl restart ${UNIT}`;
export const RELOAD_OWN_SERVICE = `sudo systemctl reload ${UNIT}`;
