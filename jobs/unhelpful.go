package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"steward/playbooks"
)

// unhelpfulKey begins the keys of the notices about playbooks that most people
// call not useful.
const unhelpfulKey = "unhelpful/"

// tellUnhelpful tells ops once of each playbook that most of those who showed
// what they thought of it call not useful, and forgets those that are better
// by now, or that were mended so that nobody has judged them since.
func (e *Engine) tellUnhelpful(ctx context.Context, book *playbooks.Book) error {
	opened, err := e.Ledger.OpenedSince(ctx, e.Now().Add(-playbooks.UseWindow))
	if err != nil {
		return fmt.Errorf("read what was opened: %w", err)
	}
	flagged := map[string]bool{}
	for _, u := range playbooks.Uses(opened) {
		if _, ok := book.Playbook(u.Playbook); !ok || !u.MostlyUnhelpful() {
			continue
		}
		key := unhelpfulKey + string(u.Playbook)
		flagged[key] = true
		lines := []string{fmt.Sprintf("%d of the %d who showed what they thought in the last 90 days", u.Judged-u.Useful(), u.Judged)}
		for _, why := range slices.Sorted(maps.Keys(u.Unhelpful)) {
			lines = append(lines, fmt.Sprintf("%s: %d", strings.ReplaceAll(why, "_", " "), u.Unhelpful[why]))
		}
		if err := e.tell(ctx, key, fmt.Sprintf("%s: most people call it not useful", u.Playbook), lines,
			fmt.Sprintf("Look: steward report playbooks %s · Silence it meanwhile: enabled: false", u.Playbook)); err != nil {
			return err
		}
	}
	told, err := e.toldOf(ctx, unhelpfulKey)
	if err != nil {
		return err
	}
	return e.untell(ctx, slices.DeleteFunc(told, func(key string) bool { return flagged[key] })...)
}
