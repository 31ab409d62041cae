/** syslog(3) severities that the daemon uses. */
export type Level = "alert" | "error" | "warning" | "notice" | "info" | "debug";

/** Process name under which keepalived logs the same sentence, so that log filters keep working. */
export type Ident = "Keepalived" | "Keepalived_vrrp" | "Keepalived_healthcheckers" | "Keepalived_bfd";

export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * One structured line. `event` is stable and dotted (`vrrp.transition`); `sentence` is what keepalived would print, or ours.
 * Never blocks and never throws: what does not fit is dropped and counted.
 */
export interface Log {
  (level: Level, event: string, sentence: string, fields?: Fields): void;
  /** True with -D: callers skip building sentences that only -D shows. */
  readonly detail: boolean;
}
