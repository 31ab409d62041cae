import type { VirtualAddress } from "../config/model.js";
import type { StaticEntriesConfig } from "../config/model-vrrp.js";
import type { HostEntry } from "../host-entry.js";
import { AddressHolder, type AddressHolderDeps } from "./address-holder.js";
import { EntryHolder, type EntryHolderDeps } from "./entry-holder.js";
import type { InterfaceAddress } from "./ports.js";

/**
 * Addresses, routes and rules that are on the host whatever the instances do: there before the first instance starts, gone
 * after the last one has left, and put back when somebody deletes them or their interface comes back.
 */
export class StaticEntries {
  readonly #addresses: AddressHolder;
  readonly #entries: EntryHolder;
  readonly #onLost: OnTrackedLost;
  #config = none;

  /** @param onLost somebody deleted an entry that has a track_group; it has been put back */
  constructor(deps: AddressHolderDeps & EntryHolderDeps, onLost: OnTrackedLost) {
    this.#onLost = onLost;
    this.#addresses = new AddressHolder(addressesOf(none), deps);
    this.#entries = new EntryHolder(none, deps);
  }

  /** Start and reload: what is new is added, what is no longer wanted deleted. */
  update(config: StaticEntriesConfig): void {
    this.#config = config;
    const { deletes } = this.#addresses.reconfigure(addressesOf(config), true);
    this.#entries.reconfigure(entriesOf(config), true);
    if (deletes) this.#entries.disturbed();
  }

  release(): void {
    this.#entries.release();
    this.#addresses.release();
  }

  /** By position in the configuration: the address is on its interface. */
  addressesSet(): readonly boolean[] {
    return this.#config.addresses.map((address) => this.#addresses.isSet(address));
  }

  names(): readonly string[] {
    return [...this.#addresses.names(), ...this.#entries.names()];
  }

  addressGone(gone: InterfaceAddress): void {
    const tell = ({ address, prefix, dev }: VirtualAddress, what: string): void => {
      const ours = this.#config.addresses.find(
        (one) => one.address === address && one.prefix === prefix && one.dev === dev,
      );
      this.#tell(ours?.trackGroup, what);
    };
    this.#addresses.lost(gone, tell, () => this.#entries.disturbed());
  }

  entryGone(isThat: (entry: HostEntry) => boolean): void {
    this.#entries.lost(isThat, (entry, what) =>
      this.#tell(entry.kind === "rule" ? entry.rule.trackGroup : entry.route.trackGroup, what),
    );
  }

  /** @param interfaceName that came up; undefined: whichever entry may be missing */
  restore(interfaceName: string | undefined): void {
    if (interfaceName !== undefined) this.#addresses.restore(interfaceName);
    this.#entries.restore(interfaceName);
  }

  #tell(trackGroup: string | undefined, what: string): void {
    if (trackGroup !== undefined) this.#onLost(trackGroup, what);
  }
}

type OnTrackedLost = (trackGroup: string, what: string) => void;

const none: StaticEntriesConfig = { addresses: [], routes: [], rules: [] };

/** Not tracked: whatever a track_group says, they are put back. */
const addressesOf = ({ addresses }: StaticEntriesConfig) => ({
  name: "static",
  interface: "",
  virtualAddresses: addresses.map((one) => ({ ...one, more: { ...one.more, tracked: false } })),
  excludedAddresses: [],
});

const entriesOf = ({ routes, rules }: StaticEntriesConfig) => ({
  routes: routes.map((one) => ({ ...one, tracked: false })),
  rules: rules.map((one) => ({ ...one, tracked: false })),
});
