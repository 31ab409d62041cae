/** What of IPVS's settings is ours, for the state that outlives a crash. Numbers by name. */
export interface SettingsMemory {
  get(name: string): number | undefined;
  set(name: string, value: number): void;
  delete(name: string): void;
}
