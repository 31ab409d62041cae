import type { OperationVerdict } from "./operation.js";
import type { SyncDaemon, SyncStep } from "./sync-daemon.js";
import type { Timeouts } from "./timeouts.js";

/** What was read, or why it could not be. */
export type Reading<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "unread"; readonly why: string };

/** Sync daemons and timeouts: in the kernel, or in memory with the kernel's manners. */
export interface SettingsBackend extends Disposable {
  daemons(): Promise<Reading<readonly SyncDaemon[]>>;
  apply(step: SyncStep): Promise<OperationVerdict>;
  timeouts(): Promise<Reading<Timeouts>>;
  setTimeouts(timeouts: Timeouts): Promise<OperationVerdict>;
}
