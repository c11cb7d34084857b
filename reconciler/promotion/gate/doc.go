// Package gate judges a candidate by its answers: does it answer badly, or
// slowly, more often than it may?
//
// It is pure: values in, values out; no client, clock or logger. It asks
// "whose bad answer is this?". Given that there was one, it is the candidate's
// with a probability that follows from the split of the requests and the ratio
// of the two rates alone, whatever both rates do over the day. The evidence E
// is a mixture of 16 likelihood ratios, each for a candidate that is ψ times
// worse than it may be, ψ from 1.5 to 1000. It may be looked at after every
// answer: a candidate that is no worse is failed with probability alpha at
// most, in all of its trial. A tenth of the bet is kept back for candidates that
// get worse later, however long they did well before.
//
//	Accumulator  cuts the sums of two revisions into strata and judges each
//	Evidence     what all strata say so far; it has a text form to be kept
//	Verdict      what follows from it: waiting, passing, doubtful or failed
//
// A stratum ends as soon as both revisions had a request in it. Longer fixed
// ones would hide that the rates change together, shorter ones have no request
// to compare with. How many requests there were is counted as they arrive, so
// that a young candidate whose errors are quick and whose good answers take
// long does not look as if it answered with errors only.
//
// Latency is the same test, with "slow" for "bad". A request is slow from the
// moment when it is older than the threshold, whether it has ended or not.
//
// What it does not promise. It needs requests that are a random sample: those
// that the weights split, and of users who always come back to the same
// revision only those who had no bad answer yet. It cannot know whether a
// candidate that fails as stable does is fine. Evidence that is lost costs
// time; it allows one more alpha, and never fails anybody by itself.
//
// Sources: Lindon and Malek, "Anytime-Valid Inference for Multinomial Count
// Data" (NeurIPS 2022, arXiv 2011.03567) for the conditional test of
// inhomogeneous counts; Ville's inequality (1939) for looking at any time; Wald
// (1945) and Robbins (1970) for mixtures; Hoeffding (1963, theorem 4) for why a
// split that is measured can stand for the one that was meant.
package gate
