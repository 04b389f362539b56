package replay

import "steward"

// Lints is the advice that reading the folder of tests gives.
func Lints() []steward.Lint {
	return []steward.Lint{
		{Name: "test-name", Means: "A file in the folder of tests is not run, as its name does not end in .test.yaml.", Do: "Rename it to PLAYBOOK.test.yaml."},
	}
}
