/** Spans of time as people read them. */

/** `4 s`, `3 min`, `5 h`, `12 d`. */
export function formatDuration(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 120) return `${Math.round(seconds)} s`;
  if (size < 7200) return `${Math.round(seconds / 60)} min`;
  if (size < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
