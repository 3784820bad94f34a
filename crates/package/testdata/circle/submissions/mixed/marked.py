# @EXPECTED_RESULTS@: WRONG-ANSWER, RUN-ERROR
print(3.1415 * float(input()) ** 2)
