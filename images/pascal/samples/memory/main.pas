program Memory;

var
  P: Pointer;
begin
  while True do
  begin
    GetMem(P, 1000000);
    FillChar(P^, 1000000, 1);
  end;
end.
