package playbooks

import (
	"steward"
)

// Face is what a card shows beside its content: what has become of what it
// carries, and what can still be done with it.
func (s *Situation) Face(d steward.Dossier, content steward.Content) steward.Face {
	return steward.Face{}
}
