program Crash;

var
  Zero: Integer;
begin
  Zero := ParamCount;
  WriteLn(1 div Zero);
end.
