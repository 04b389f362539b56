# Reads `go test -v` and prints what a person wants of it: each skipped test
# with its reason, each failed one with its output, and go test's own line for
# each package.

# Verdicts of subtests come when their parent ends, so output is kept under the
# name of the test that wrote it.
/^ *=== (RUN|PAUSE|CONT|NAME)/ { test = $3; next }

/^ *--- (PASS|SKIP|FAIL): / {
	name = $3
	if ($2 == "FAIL:") {
		print; printf "%s", said[name]
	} else if ($2 == "SKIP:") {
		reason = last[name]
		sub(/^ *[^ ]+_test\.go:[0-9]+: /, "", reason)
		print "skipped " name ": " reason
	}
	fflush()
	delete said[name]; delete last[name]
	test = ""
	next
}

/^(ok  |\?   |FAIL\t)/ {
	# What is left belongs to tests that never ended: a panic, or the time limit.
	if ($1 == "FAIL") for (name in said) printf "%s", said[name]
	print; fflush()
	split("", said); split("", last); test = ""
	next
}

/^\t.*\[no test files\]$/ || /^PASS$/ || /^FAIL$/ { next }

{ said[test] = said[test] $0 "\n"; last[test] = $0 }

END { for (name in said) printf "%s", said[name] }
