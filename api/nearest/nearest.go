// Package nearest finds the word that a person probably meant.
package nearest

import "strings"

// maxWord bounds the work: longer words are not compared. In bytes.
const maxWord = 64

// To returns the valid word that is nearest to word, or "". A word counts as
// near when at most a third of it, and at least one letter, has to change.
// Capitals do not matter.
func To(word string, valid []string) string {
	if len(word) > maxWord {
		return ""
	}
	lower := strings.ToLower(word)
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, v := range valid {
		if d := distance(lower, strings.ToLower(v)); d < bestDistance {
			best, bestDistance = v, d
		}
	}
	return best
}

// distance is the optimal string alignment distance: insertions, deletions,
// substitutions and swaps of neighbours count one each.
func distance(a, b string) int {
	before, last, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(last[j]+1, current[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, last, current = last, current, before
	}
	return last[len(b)]
}
