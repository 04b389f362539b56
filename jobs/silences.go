package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"steward/playbooks"
)

// unreadSilenceKey begins the keys of the notices about silences whose condition
// can no longer be read.
const unreadSilenceKey = "silence/"

// tendSilences ends the silences that are over, and tells ops once of each whose
// condition can no longer be read: it silences nothing, which whoever said it
// does not expect. The situation has everything that is open.
func (e *Engine) tendSilences(ctx context.Context, s *playbooks.Situation) error {
	if err := e.Ledger.EndSilences(ctx, s.SilencesOver()); err != nil {
		return fmt.Errorf("end silences: %w", err)
	}
	unread := s.UnreadSilences()
	stand := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(unread)) {
		key := fmt.Sprintf("%s%d", unreadSilenceKey, id)
		stand[key] = true
		if err := e.tell(ctx, key, fmt.Sprintf("Silence %d silences nothing: its condition cannot be read", id), []string{unread[id].Error()},
			fmt.Sprintf("Say it anew, and end this one: steward silence --end %d", id)); err != nil {
			return err
		}
	}
	told, err := e.toldOf(ctx, unreadSilenceKey)
	if err != nil {
		return err
	}
	return e.untell(ctx, slices.DeleteFunc(told, func(key string) bool { return stand[key] })...)
}
