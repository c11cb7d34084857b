package address

import (
	"strings"
	"testing"
)

func TestChannelBranch(t *testing.T) {
	long := strings.Repeat("orders-", 9)[:62]
	for _, tc := range []struct{ channel, branch, want string }{
		{"orders", "-pr-12", "orders-pr-12"},
		{long[:56], "-pr-123", long[:56] + "-pr-123"},
		{long, "-pr-12", "orders-orders-orders-orders-orders-orders-orders-o-ce72b6-pr-12"},
		{long[:61] + "x", "-pr-12", "orders-orders-orders-orders-orders-orders-orders-o-37dce7-pr-12"},
	} {
		got := ChannelBranch(tc.channel, tc.branch)
		if got != tc.want || len(got) > maxLabel {
			t.Errorf("%s of %s is %s (%d), want %s", tc.branch, tc.channel, got, len(got), tc.want)
		}
	}
}
