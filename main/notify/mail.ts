/** A mail before it has a sender and recipients. */
export interface Mail {
  /** Under pressure the mails about health are given up first. */
  readonly about: "vrrp" | "health";
  /** Complete: `[router_id] Realserver ...`. */
  readonly subject: string;
  readonly body: string;
}

export type InstanceState = "MASTER" | "BACKUP" | "FAULT" | "STOP";

const ownsNoLonger = "=> VRRP Instance is no longer owning VRRP VIPs <=";

const instanceTexts: Readonly<Record<InstanceState, { readonly what: string; readonly body: string }>> = {
  MASTER: { what: "Entering MASTER state", body: "=> VRRP Instance is now owning VRRP VIPs <=" },
  BACKUP: { what: "Entering BACKUP state", body: ownsNoLonger },
  FAULT: { what: "Entering FAULT state", body: ownsNoLonger },
  STOP: { what: "Stopping", body: ownsNoLonger },
};

const groupTexts: Readonly<Record<InstanceState, { readonly what: string; readonly body: string }>> = {
  MASTER: { what: "Entering MASTER state", body: "=> All VRRP group instances are now in MASTER state <=" },
  BACKUP: { what: "Entering BACKUP state", body: "=> All VRRP group instances are now in BACKUP state <=" },
  FAULT: { what: "Entering FAULT state", body: "=> All VRRP group instances are now in FAULT state <=" },
  STOP: { what: "Stopping", body: "=> All VRRP group instances are now in STOP state <=" },
};

export function groupMail(routerId: string, name: string, state: InstanceState): Mail {
  const { what, body } = groupTexts[state];
  return { about: "vrrp", subject: `[${routerId}] VRRP Group ${name} - ${what}`, body };
}

export function instanceMail(routerId: string, name: string, state: InstanceState): Mail {
  const { what, body } = instanceTexts[state];
  return { about: "vrrp", subject: `[${routerId}] VRRP Instance ${name} - ${what}`, body };
}
