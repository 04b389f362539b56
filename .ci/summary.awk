# Reads `go test -v` and prints what a person wants of it: each skipped test
# with its reason, all of a package that failed, and go test's own line for
# each package.

function flushOutput() { fflush() }

# A test's log lines come before the line with its verdict; the last one is the
# reason of a skip.
/^ *(=== (RUN|PAUSE|CONT|NAME)|--- PASS)/ { next }

/^ *--- SKIP/ {
	name = $0; sub(/^ *--- SKIP: /, "", name); sub(/ \([0-9.]+s\)$/, "", name)
	reason = last; sub(/^ *[^ ]+_test\.go:[0-9]+: /, "", reason)
	print "skipped " name ": " reason; flushOutput()
	next
}

/^(ok  |\?   )/ { print; flushOutput(); held = ""; last = ""; next }
/^\t.*\[no test files\]$/ || /^\t.*coverage:/ { next }

/^FAIL\t/ { printf "%s", held; print; flushOutput(); held = ""; last = ""; next }

/^PASS$/ { next }

{ held = held $0 "\n"; last = $0 }

END { printf "%s", held }
