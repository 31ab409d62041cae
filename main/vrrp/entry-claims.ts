/**
 * How many of us hold each route and rule. Several instances may want the same one, or a reload hands it from one to another: it goes with
 * the last of them, for nobody is told of our own deletions.
 */
export class EntryClaims {
  readonly #holders = new Map<string, number>();

  take(row: string): void {
    this.#holders.set(row, (this.#holders.get(row) ?? 0) + 1);
  }

  /** @returns whether somebody else holds it still */
  giveBack(row: string): boolean {
    const left = (this.#holders.get(row) ?? 1) - 1;
    if (left > 0) this.#holders.set(row, left);
    else this.#holders.delete(row);
    return left > 0;
  }
}
