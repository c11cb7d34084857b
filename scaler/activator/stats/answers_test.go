package stats

import "testing"

func TestAnswers(t *testing.T) {
	var c Counters
	for _, status := range []int{200, 404, 499, 500, 502, 504, 0, 304} {
		c.Ended(status)
	}
	if got, want := c.Answers(), (Answers{Ended: 7, Bad: 3}); got != want {
		t.Errorf("%+v, want %+v: a client that went away tells nothing", got, want)
	}
}
