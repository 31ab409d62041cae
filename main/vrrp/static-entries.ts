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

  constructor(deps: AddressHolderDeps & EntryHolderDeps) {
    this.#addresses = new AddressHolder(addressesOf(none), deps);
    this.#entries = new EntryHolder(none, deps);
  }

  /** Start and reload: what is new is added, what is no longer wanted deleted. */
  update(config: StaticEntriesConfig): void {
    this.#addresses.reconfigure(addressesOf(config), true);
    this.#entries.reconfigure(entriesOf(config), true);
  }

  release(): void {
    this.#entries.release();
    this.#addresses.release();
  }

  names(): readonly string[] {
    return [...this.#addresses.names(), ...this.#entries.names()];
  }

  addressGone(gone: InterfaceAddress): void {
    this.#addresses.lost(gone);
  }

  entryGone(isThat: (entry: HostEntry) => boolean): void {
    this.#entries.lost(isThat);
  }

  /** @param interfaceName that came up; undefined: whichever entry may be missing */
  restore(interfaceName: string | undefined): void {
    if (interfaceName !== undefined) this.#addresses.restore(interfaceName);
    this.#entries.restore(interfaceName);
  }
}

const none: StaticEntriesConfig = { addresses: [], routes: [], rules: [] };

/** Not tracked: no instance loses anything with them, so they are put back. */
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
