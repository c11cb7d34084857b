package explain

import (
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	noon := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 119 * time.Second: "119s", 2 * time.Minute: "2m", 119 * time.Minute: "119m", 47 * time.Hour: "47h", 49 * time.Hour: "2d",
	} {
		if got := Age(noon.Add(-d), noon); got != want {
			t.Errorf("age of %s = %s, want %s", d, got, want)
		}
	}
	if got := Age(time.Time{}, noon); got != "-" {
		t.Errorf("age of nothing = %s", got)
	}
}
