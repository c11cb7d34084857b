package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// shortStart is the least that can be measured: RevisionStatus.FirstStart of an app
// that answers at once is 0 to 2 s.
const shortStart = 3 * time.Second

// Image says how large the image of a revision is and how long the app took to
// start, such as "12.4 MB, starts in about 12s"; what is not known is left out.
func Image(r *v1alpha1.Revision) string { return ImageBeside(r, nil) }

// ImageBeside is Image next to production's live revision, such as "12.4 MB
// (production: 12.1 MB, +300 kB), starts within 3s (as in production)". Nil is
// none.
func ImageBeside(r, production *v1alpha1.Revision) string {
	var parts []string
	if own, live := sizeOf(r), sizeOf(production); own > 0 {
		difference := ", +" + size(own-live)
		if own < live {
			difference = ", -" + size(live-own)
		}
		parts = append(parts, size(own)+beside(size(own), size(live), difference))
	}
	if own := startOf(r); own != "" {
		parts = append(parts, "starts "+own+beside(own, startOf(production), ""))
	}
	return strings.Join(parts, ", ")
}

// beside says in brackets what production has, and how far that is away; nothing
// where it is not known.
func beside(own, live, difference string) string {
	switch live {
	case "":
		return ""
	case own:
		return " (as in production)"
	}
	return fmt.Sprintf(" (production: %s%s)", live, difference)
}

// sizeOf is the size of a revision's image in bytes; 0 where it is not known.
func sizeOf(r *v1alpha1.Revision) int64 {
	if r == nil || r.Status.ImageConfig == nil {
		return 0
	}
	return r.Status.ImageConfig.SizeBytes
}

// size is a number of bytes in three digits; empty for 0.
func size(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	n, units := float64(bytes), []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	for ; n >= 999.5; units = units[1:] {
		n /= 1000
	}
	decimals := 0
	switch {
	case units[0] == "B", n >= 99.95:
	case n >= 9.995:
		decimals = 1
	default:
		decimals = 2
	}
	return fmt.Sprintf("%.*f %s", decimals, n, units[0])
}

// startOf says how long the app took to start; empty where it is not known.
func startOf(r *v1alpha1.Revision) string {
	switch {
	case r == nil || r.Status.FirstStart == nil:
		return ""
	case r.Status.FirstStart.Duration < shortStart:
		return "within " + shortStart.String()
	}
	return "in about " + r.Status.FirstStart.Round(time.Second).String()
}
