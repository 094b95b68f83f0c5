/** How late what the runner says of its polls is, and how long it holds. */

/** A poll that began before a fault was fixed may still fail. */
export const SETTLE_SECONDS = 15;
/** The longest a poll takes to fail, and the wait for the next one: by then it would have complained again. */
export const FRESH_SECONDS = 100;
/** The log line of the penalty follows the last failed request. */
export const PENALTY_LINE_SECONDS = 10;
