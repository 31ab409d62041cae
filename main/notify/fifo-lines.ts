/** Lines of notify FIFOs as keepalived.conf(5) has them, each with its line feed; keepalived's NUL after VS and RS lines is left out. */

export type FifoState =
  | "MASTER"
  | "BACKUP"
  | "FAULT"
  | "STOP"
  | "DELETED"
  | "MASTER_RX_LOWER_PRI"
  | "MASTER_PRIORITY"
  | "BACKUP_PRIORITY"
  /** Ours, where split_brain_guard has notify_fifo. */
  | "TWO_MASTERS"
  | "ONE_MASTER";

export const instanceLine = (name: string, state: FifoState, priority: number): string =>
  `INSTANCE "${name}" ${state} ${priority}\n`;

/** A group has no priority. */
export const groupLine = (name: string, state: FifoState): string => `GROUP "${name}" ${state} 0\n`;

/** `VS [192.0.2.1]:tcp:80 UP` */
export const virtualServerLine = (virtualServer: string, up: boolean): string =>
  `VS ${virtualServer} ${up ? "UP" : "DOWN"}\n`;

/** `RS [192.0.2.2]:tcp:80 [192.0.2.1]:tcp:80 DOWN` */
export const realServerLine = (realServer: string, virtualServer: string, up: boolean): string =>
  `RS ${realServer} ${virtualServer} ${up ? "UP" : "DOWN"}\n`;
