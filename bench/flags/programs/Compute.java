/** Two seconds of arithmetic: a sieve, a matrix product, a dynamic programme. Here an optimising compiler is worth most. */
public class Compute {
    static int sieve(int n) {
        boolean[] composite = new boolean[n + 1];
        int count = 0;
        for (int i = 2; i <= n; i++) {
            if (!composite[i]) {
                count++;
                for (long j = (long) i * i; j <= n; j += i) {
                    composite[(int) j] = true;
                }
            }
        }
        return count;
    }

    static double product(int n) {
        double[][] a = new double[n][n], b = new double[n][n], c = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                a[i][j] = i + j;
                b[i][j] = i - j;
            }
        }
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int k = 0; k < n; k++) {
                    sum += a[i][k] * b[k][j];
                }
                c[i][j] = sum;
            }
        }
        return c[n / 2][n / 3];
    }

    static long collatz(int n) {
        long best = 0;
        for (int i = 1; i < n; i++) {
            long x = i;
            int steps = 0;
            while (x != 1) {
                x = (x & 1) == 0 ? x / 2 : 3 * x + 1;
                steps++;
            }
            best = Math.max(best, steps);
        }
        return best;
    }

    static int subsequence(String s, String t) {
        int[][] dp = new int[s.length() + 1][t.length() + 1];
        for (int i = 1; i <= s.length(); i++) {
            for (int j = 1; j <= t.length(); j++) {
                dp[i][j] = s.charAt(i - 1) == t.charAt(j - 1) ? dp[i - 1][j - 1] + 1 : Math.max(dp[i - 1][j], dp[i][j - 1]);
            }
        }
        return dp[s.length()][t.length()];
    }

    public static void main(String[] args) {
        StringBuilder s = new StringBuilder(), t = new StringBuilder();
        for (int i = 0; i < 3_000; i++) {
            s.append((char) ('a' + i * 7 % 13));
            t.append((char) ('a' + i * 5 % 11));
        }
        System.out.println(sieve(10_000_000) + " " + product(500) + " " + collatz(1_000_000) + " " + subsequence(s.toString(), t.toString()));
    }
}
