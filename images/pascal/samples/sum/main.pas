program Sum;

var
  N, Total: Int64;
begin
  Total := 0;
  while not SeekEof do
  begin
    Read(N);
    Total := Total + N;
  end;
  WriteLn(Total);
end.
