package configs

import (
	"steward"
	"steward/configs/strictyaml"
)

// Lints is the advice that reading steward.yaml and owners.yaml gives.
func Lints() []steward.Lint {
	return []steward.Lint{
		{Name: "dkim-alignment", Means: "Mail is signed for another domain than it is sent from, so the signature does not count for DMARC.", Do: "Sign for the sender's domain."},
		{Name: "no-buttons", Means: "Cards go out, and nothing brings back what people press, so they have no buttons.", Do: "Name the Slack app's token as app_token_env."},
		{Name: "no-owners", Means: "There is no owners' file, so no account has an owner who can be reached.", Do: "Write owners.yaml, with a line for each CSM."},
		{Name: "pages-in-the-clear", Means: "Pages with customers' names are reached over http from other machines.", Do: "Put a proxy with TLS in front of the private listener."},
		{Name: "pool-name", Means: "A pool has no name, so customers would get mail from a channel.", Do: "Add name: with what customers call the team."},
	}
}

// accept keeps what the file accepts: for itself, and for the owners' file,
// which is a list and has no place to say it.
func (l *loader) accept(list []strictyaml.Accepted) {
	l.w.Accepted = strictyaml.Acceptances(list, FileName, "", l.src)
	for i := range l.w.Accepted {
		l.w.Accepted[i].Files = append(l.w.Accepted[i].Files, l.ownersFile)
	}
}
