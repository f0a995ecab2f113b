// Package order holds tests of what the order of arrival makes of verdicts: nothing.
// The same reports come to the same final assessments, byte for byte, however a day's
// deliveries of many laptops come between each other, are cut into batches, or come
// twice, in a replay and through the API of a real collector.
//
// It has no code but that of its tests.
package order
