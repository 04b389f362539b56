package playbooks

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"text/template/parse"

	"steward"
)

// A message may be written in several languages: offer-help.md is what everybody
// gets, offer-help.de.md what is sent to whoever reads German. A mail is in the
// nearest: de-AT takes de-AT, else de, else the file without a language.

// translation tells a file's message and language apart: offer-help and de of
// offer-help.de.
func translation(base string) (name, locale string) {
	name, locale, _ = strings.Cut(base, ".")
	return name, locale
}

// translations puts the texts that are in another language with the message that
// they are of, and tells where one does not fit it.
func (l *loader) translations(texts []*Wording) {
	for _, w := range texts {
		name, locale := translation(w.Name)
		of, ok := l.book.Wordings[name]
		switch {
		case !isLocale(locale):
			l.about(w, fmt.Sprintf("%q in the file's name is no language", locale), "name translations offer-help.de.md or offer-help.pt-BR.md, and messages without a dot")
			continue
		case !ok:
			near := steward.Nearest(name, slices.Collect(maps.Keys(l.book.Wordings)))
			hint := "write " + path.Join(path.Dir(w.File), name+".md") + ", which everybody gets whose language there is no text in"
			if near != "" {
				hint = "did you mean " + near + "." + locale + ".md?"
			}
			l.about(w, "there is no message "+name+" that this could be a translation of", hint)
			continue
		case w.Locale != "" && tag(w.Locale) != tag(locale):
			l.about(w, fmt.Sprintf("the file's name says %s and its front matter %s", locale, w.Locale), "make them agree, or leave locale out of the front matter")
		}
		if w.ForRoles == nil {
			w.ForRoles = of.ForRoles
		}
		if !sameRoles(w.ForRoles, of.ForRoles) {
			l.about(w, "it is written for other roles than "+of.File+", which is for "+quoteList(of.ForRoles), "leave for_roles out of a translation")
		}
		if of.subject != nil && w.subject == nil {
			l.about(w, "the translation has no subject", "add subject: to its front matter")
		}
		w.Name, w.Locale = name, locale
		if of.in == nil {
			of.in = map[string]*Wording{}
		}
		if other, twice := of.in[tag(locale)]; twice {
			l.about(w, other.File+" is in the same language", "keep one of the two")
			continue
		}
		of.in[tag(locale)] = w
		l.thin(w, of)
	}
}

// about tells a mistake about a whole message file.
func (l *loader) about(w *Wording, message, hint string) {
	l.problems = append(l.problems, steward.Problem{File: w.File, Line: 1, Column: 1, Message: message, Hint: hint, Snippet: w.lineText(1)})
}

func sameRoles(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// thin tells what a translation leaves out that the message reads from the data.
func (l *loader) thin(w, of *Wording) {
	var left []string
	for _, f := range of.reads() {
		if !slices.Contains(w.reads(), f) {
			left = append(left, f)
		}
	}
	if len(left) > 0 {
		p := steward.Problem{File: w.File, Line: 1, Column: 1, Lint: "thin-translation", Snippet: w.lineText(1),
			Message: "it does not say what " + of.File + " does: " + strings.Join(left, ", "), Hint: "readers of both should learn the same; add it, or accept this with a reason"}
		l.problems = append(l.problems, p)
	}
}

// reads is what a wording takes from the data: fact "…", and values such as
// .account.arr; not names, which languages use as they please.
func (w *Wording) reads() []string {
	found := map[string]bool{}
	for _, t := range w.templates() {
		walkTemplate(t.Tree.Root, func(n parse.Node) {
			switch x := n.(type) {
			case *parse.CommandNode:
				if id, ok := x.Args[0].(*parse.IdentifierNode); ok && id.Ident == "fact" && len(x.Args) == 2 {
					found[fmt.Sprintf("fact %s", x.Args[1])] = true
				}
			case *parse.FieldNode:
				if g := x.Ident[0]; (g == "account" || g == "contract" || g == "product") && x.Ident[len(x.Ident)-1] != "name" {
					found[x.String()] = true
				}
			}
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// For is the wording for a reader of a language.
func (w *Wording) For(locale string) *Wording {
	for at := tag(locale); at != ""; {
		if t, ok := w.in[at]; ok {
			return t
		}
		if at == tag(w.Locale) {
			return w
		}
		cut := strings.LastIndexByte(at, '-')
		if cut < 0 {
			break
		}
		at = at[:cut]
	}
	return w
}

// all is the wording in all its languages.
func (w *Wording) all() []*Wording {
	out := []*Wording{w}
	for _, locale := range slices.Sorted(maps.Keys(w.in)) {
		out = append(out, w.in[locale])
	}
	return out
}

// same tells wordings that say the same in all languages.
func (w *Wording) same(x *Wording) bool {
	return slices.EqualFunc(w.all(), x.all(), func(a, b *Wording) bool { return a.Locale == b.Locale && bytes.Equal(a.source, b.source) })
}

// languageName is a locale for people who let a mail go: the code, and English
// for the commonest.
func languageName(locale string) string {
	names := map[string]string{"de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian", "nl": "Dutch", "pt": "Portuguese"}
	if n, ok := names[language(locale)]; ok {
		return n + " (" + locale + ")"
	}
	return locale
}

// unserved tells of languages that contacts read and a message that has
// translations is not in.
func (a *adviser) unserved() {
	readers := map[string]int{}
	for _, of := range a.contacts {
		for _, c := range of {
			if c.Email != "" && c.Locale != "" {
				readers[tag(c.Locale)]++
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Book.Wordings)) {
		w := a.Book.Wordings[name]
		if len(w.in) == 0 {
			continue
		}
		missing := map[string]int{}
		for locale, n := range readers {
			if got := w.For(locale); language(got.Locale) != language(locale) && language(locale) != languageOr(w.Locale, "en") {
				missing[language(locale)] += n
			}
		}
		for _, locale := range slices.Sorted(maps.Keys(missing)) {
			a.problems = append(a.problems, steward.Problem{File: w.File, Line: 1, Column: 1, Lint: "unserved-locale", Snippet: w.lineText(1),
				Message: fmt.Sprintf("%s %s, and this message has no text for them", people(missing[locale]), languageName(locale)),
				Hint:    "write " + path.Join(path.Dir(w.File), name+"."+locale+".md") + "; until then they get this file"})
		}
	}
}

func languageOr(locale, otherwise string) string {
	if locale == "" {
		return otherwise
	}
	return language(locale)
}

func people(n int) string {
	if n == 1 {
		return "1 contact reads"
	}
	return fmt.Sprintf("%d contacts read", n)
}
