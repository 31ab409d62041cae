/**
 * Outlives a crash: which virtual servers have their quorum, by `LiveServer.key`. Who gained it above the hysteresis band keeps it inside,
 * and the weight alone does not tell how it got there.
 */
export interface QuorumMemory {
  get(virtualServer: string): "up" | "down" | undefined;
  set(virtualServer: string, quorum: "up" | "down"): void;
  delete(virtualServer: string): void;
  /** After a start: what an earlier daemon knew of virtual servers that nobody configures any more. In small steps. */
  forgettingOthers(virtualServers: Iterable<string>): Generator<void>;
}
