package configs

import (
	"embed"
	"io/fs"
)

//go:embed example
var example embed.FS

// Example is a workspace that is ready to run: three playbooks with their
// messages and tests, and the settings they need. Its sources read CSV files
// from data/, which it does not hold: demo simulates them, and init leaves
// them to the user. The files are in the form in which they are to be written
// out.
func Example() fs.FS {
	sub, err := fs.Sub(example, "example")
	if err != nil {
		panic("configs: the embedded example is gone: " + err.Error()) // cannot happen: the folder is named above
	}
	return sub
}
