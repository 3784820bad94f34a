program Broken;

begin
  WriteLn(Nothing); { error here }
end.
