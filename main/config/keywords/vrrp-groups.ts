import { type Keyword, keywordsFor, type ListKeyword, type Scope } from "../keyword.js";
import type { SourcePosition } from "../model.js";
import { type Named, named } from "./named.js";
import { commonAlertKeywords } from "./vrrp-alerts.js";
import { type DeclaredBefore, newTrackLists, type TrackLists, type VrrpInstanceDraft } from "./vrrp-instance-draft.js";
import { trackKeywords } from "./vrrp-lists.js";

/** What one `track_group` block said. */
export interface TrackGroupDraft {
  readonly name: string;
  readonly at: SourcePosition;
  members?: Named[];
}

/** What one `vrrp_sync_group` block said. */
export interface SyncGroupDraft extends TrackGroupDraft, TrackLists {
  readonly declared: DeclaredBefore;
  readonly notify: VrrpInstanceDraft["notify"];
  trackingWeight?: boolean;
  smtpAlert?: boolean;
  notifyPriorityChanges?: boolean;
}

export const newSyncGroupDraft = (name: string, at: SourcePosition, declared: DeclaredBefore): SyncGroupDraft => ({
  name,
  at,
  declared,
  ...newTrackLists(),
  notify: {},
});

function members<Draft extends TrackGroupDraft>(): ListKeyword<Draft> {
  return keywordsFor<Draft>().list({
    entries: "words",
    shape: "<instance>",
    entry: (draft, [word]) => {
      (draft.members ??= []).push(named(word.text, word.at));
    },
    repeat: "first-wins-reported",
    doc: "The instances of the group; several may share a line.",
  });
}

export const trackGroupScope: Scope<TrackGroupDraft> = { name: "track_group", keywords: { group: members() } };

const group = keywordsFor<SyncGroupDraft>();

/** The block as a whole has no effect yet, so nothing inside is marked. */
const { notify_priority_changes, ...alerts } = commonAlertKeywords<SyncGroupDraft>();

export const syncGroupScope: Scope<SyncGroupDraft> = {
  name: "vrrp_sync_group",
  keywords: {
    group: members<SyncGroupDraft>(),
    ...trackKeywords<SyncGroupDraft>({}),
    ...alerts,
    notify_priority_changes: { ...notify_priority_changes, since: "2.2.0" } as Keyword<SyncGroupDraft>,
    sync_group_tracking_weight: group.flag("trackingWeight", { doc: "Members may have trackers with weights." }),
    global_tracking: group.flag("trackingWeight", {
      aliasOf: "sync_group_tracking_weight",
      deprecated: { instead: "sync_group_tracking_weight" },
      doc: "Old name of sync_group_tracking_weight.",
    }),
  },
};
