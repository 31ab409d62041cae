/**
 * How many members of a sync group are told of an order in one turn of the loop: each sends adverts, and changes addresses. A group
 * of 1,500 at once would keep everything else waiting for longer than adverts may.
 */
const PER_TURN = 16;
/** Nor longer than this in one turn, as all work of the main thread: members may have hundreds of addresses. */
const PIECE_MS = 2;

export interface OrderRunDeps<Member> {
  readonly tell: (member: Member) => void;
  /** All were told, or a later order has taken the place of this one. */
  readonly done: () => void;
  /** Runs it in a later turn of the loop. */
  readonly later: (fn: () => void) => void;
  /** Milliseconds that have really passed; in a simulation none do. */
  readonly elapsed: () => number;
}

/** One order on its way to the members of a sync group, in their order. */
export class OrderRun<Member> {
  readonly #members: readonly Member[];
  readonly #deps: OrderRunDeps<Member>;
  #at = 0;
  #over: boolean = false;

  constructor(members: readonly Member[], deps: OrderRunDeps<Member>) {
    this.#members = members;
    this.#deps = deps;
  }

  /** A piece now, the others in later turns. */
  run(): void {
    const until = this.#deps.elapsed() + PIECE_MS;
    for (let told = 0; told < PER_TURN; told++) {
      if (!this.step()) return;
      if (this.#deps.elapsed() >= until) break;
    }
    this.#deps.later(() => this.run());
  }

  /** Tells the next member, who may cause an order that ends this one. @returns false: it is over */
  step(): boolean {
    if (this.#over) return false;
    const member = this.#members[this.#at++];
    if (member !== undefined) this.#deps.tell(member);
    if (this.#at >= this.#members.length) this.end();
    return !this.#over;
  }

  /** Whoever was not told yet hears nothing any more. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deps.done();
  }
}
