//go:build race

package intake

// A program with the race detector sleeps a second before it ends, which the tests
// of everything that fetches would wait for each time.
func init() { environment = append(environment, "GORACE=atexit_sleep_ms=0") }
