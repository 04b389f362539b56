package steward_test

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"steward"
)

func TestFirstNames(t *testing.T) {
	for name, want := range map[string]string{
		"Dana Reyes": "Dana", "  Dana  ": "Dana", "Reyes, Dana": "Dana", "Reyes, Dr. Dana": "Dana", "Dana Reyes, PhD": "Dana", "Dana Reyes, Jr.": "Dana",
		"Dr. Ana Sousa": "Ana", "Prof. Dr. Ana Sousa": "Ana", "Herr Müller": "", "Dr. Sousa": "", "Reyes, Herr": "", "Mr. J. Smith": "", "Dipl.-Ing. Jörg Ott": "Jörg",
		"J. Smith": "", "J Smith": "", "J.-P. Blanc": "", "A.B. Cole": "", "JP Blanc": "JP",
		"DANA REYES": "Dana", "anne-marie blanc": "Anne-Marie", "ANNE-MARIE": "Anne-Marie", "O'NEIL": "O'Neil", "McKenna Lee": "McKenna", "Jo Lee": "Jo", "ÉLODIE X": "Élodie", "émile": "Émile",
		"dana@example.com": "", "info": "", "Accounts Team": "", "Support": "", "user123": "", "N/A": "", "-": "", "": "", " ": "", ".": "", "Test User": "", "12": "",
		"李 雷": "李", "山田 太郎": "山田", "Дана Рейес": "Дана", "ДАНА": "Дана", "(Dana) Reyes": "Dana", "Dana;": "Dana", "İnci": "İnci", "Dr.": "",
	} {
		if got := (steward.Contact{Name: name}).FirstName(); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := (steward.Owner{Name: "Customer Success", Pool: "#cs"}).FirstName(); got != "Customer Success" {
		t.Errorf("a pool is called %q", got)
	}
}

// Whatever a name is, what a letter begins with is one word that stands in it.
func TestAFirstNameIsAWordOfTheName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`(Dr\. |Herr |MR )?[A-Za-zäé.'-]{1,9}(, | )[A-Za-zäé.'-]{0,9}`)).Draw(t, "name")
		first := (steward.Contact{Name: name}).FirstName()
		if first == "" {
			return
		}
		if strings.ContainsFunc(first, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsDigit(r) || unicode.IsControl(r) }) {
			t.Fatalf("%q begins a letter with %q", name, first)
		}
		if !strings.Contains(strings.ToLower(name), strings.ToLower(first)) && !strings.Contains(strings.ToUpper(name), strings.ToUpper(first)) {
			t.Fatalf("%q is not in %q", first, name)
		}
	})
}
