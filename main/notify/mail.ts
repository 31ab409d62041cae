/** A mail before it has a sender and recipients. */
export interface Mail {
  /** Under pressure the mails about health are given up first. */
  readonly about: "vrrp" | "health";
  /** Complete: `[router_id] Realserver ...`. */
  readonly subject: string;
  readonly body: string;
}

export type InstanceState = "MASTER" | "BACKUP" | "FAULT" | "STOP" | "DELETED";
/** A group that a reload removed is not told of. */
export type GroupState = Exclude<InstanceState, "DELETED">;

const ownsNoLonger = "=> VRRP Instance is no longer owning VRRP VIPs <=";

const instanceTexts: Readonly<Record<InstanceState, { readonly what: string; readonly body: string }>> = {
  MASTER: { what: "Entering MASTER state", body: "=> VRRP Instance is now owning VRRP VIPs <=" },
  BACKUP: { what: "Entering BACKUP state", body: ownsNoLonger },
  FAULT: { what: "Entering FAULT state", body: ownsNoLonger },
  STOP: { what: "Stopping", body: ownsNoLonger },
  DELETED: { what: "Deleted", body: ownsNoLonger },
};

export function instanceMail(routerId: string, name: string, state: InstanceState): Mail {
  const { what, body } = instanceTexts[state];
  return { about: "vrrp", subject: `[${routerId}] VRRP Instance ${name} - ${what}`, body };
}

export function groupMail(routerId: string, name: string, state: GroupState): Mail {
  const { what } = instanceTexts[state];
  const body = `=> All VRRP group instances are now in ${state} state <=`;
  return { about: "vrrp", subject: `[${routerId}] VRRP Group ${name} - ${what}`, body };
}
